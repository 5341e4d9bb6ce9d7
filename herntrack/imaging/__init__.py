"""Volumes with their place in the patient; the only room that speaks SimpleITK."""
