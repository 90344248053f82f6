"""Tests of the statistical models: rules that every detector keeps, and what each part promises."""
