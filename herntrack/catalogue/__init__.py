"""The catalogue of images and readings; the only room that speaks SQL."""
