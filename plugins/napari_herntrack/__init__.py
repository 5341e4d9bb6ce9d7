"""herntrack in napari: stacks of a workspace as image layers.

Importing this package imports neither napari nor Qt; the manifest ``napari.yaml`` says
what there is, and napari imports a widget when it is opened.
"""
