"""Tests of the domain: what tickets, areas, series, buckets and rejections promise."""
