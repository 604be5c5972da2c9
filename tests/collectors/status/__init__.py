"""Tests of the status collector."""
