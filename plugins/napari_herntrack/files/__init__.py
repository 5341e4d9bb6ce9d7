"""Files that napari opens and saves through the plugin, with their place in the patient."""
