"""Joins the rooms; owns order, clock, temporary folder and progress events."""
