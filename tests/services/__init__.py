"""Tests of the speech services' doors."""
