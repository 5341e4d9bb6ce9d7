"""Who is who, and which studies are a patient's visits."""
