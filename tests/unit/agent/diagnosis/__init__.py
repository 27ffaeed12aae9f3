"""Tests of qlikops.agent.diagnosis."""
