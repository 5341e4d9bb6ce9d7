"""The widgets; everything that needs Qt is below here."""
