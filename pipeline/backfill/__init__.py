"""Sending history: exports of Amplitude, once, with a place that survives the process."""
