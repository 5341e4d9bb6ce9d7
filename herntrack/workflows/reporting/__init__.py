"""From readings to outcomes, tables and pages."""
