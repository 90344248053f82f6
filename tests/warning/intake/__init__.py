"""Tests of intake: files in, tickets, life events, rejections and counted repairs out."""
