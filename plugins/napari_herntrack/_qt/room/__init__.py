"""The reading room's window: four views, what is drawn over them, and the hands that move them."""
