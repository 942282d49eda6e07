"""Sending dead letters again: from their files, or from a subscription of their topic."""
