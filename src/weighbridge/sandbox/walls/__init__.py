"""Walls around a program that is given a model: what it may reach, and what holds it to that."""
