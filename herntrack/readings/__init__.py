"""The append-only store of readings: a DICOM SEG and a JSON record each."""
