"""DICOM files: headers, stacks of slices, pixels; pydicom only."""
