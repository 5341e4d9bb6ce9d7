BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0002');
CREATE TABLE "instance" (
	sop_instance_uid VARCHAR NOT NULL, 
	series_instance_uid VARCHAR NOT NULL, 
	stack_uid VARCHAR, 
	slice_index INTEGER, 
	root VARCHAR NOT NULL, 
	relative_path VARCHAR NOT NULL, 
	size BIGINT NOT NULL, 
	mtime_ns BIGINT NOT NULL, 
	header JSON NOT NULL, 
	frame_number INTEGER DEFAULT '0' NOT NULL, 
	is_missing BOOLEAN DEFAULT 0 NOT NULL, 
	pixel_sha256 VARCHAR, 
	CONSTRAINT pk_instance PRIMARY KEY (sop_instance_uid, frame_number), 
	CONSTRAINT fk_instance_stack_uid_stack FOREIGN KEY(stack_uid) REFERENCES stack (stack_uid), 
	CONSTRAINT fk_instance_series_instance_uid_series FOREIGN KEY(series_instance_uid) REFERENCES series (series_instance_uid)
);
INSERT INTO "instance" VALUES('1.2.826.0.1.3680043.10.1.1.9.1.1','1.2.826.0.1.3680043.10.1.2.1','2.25.301462329658558481562578878985863269505',0,'img0001','a/IM0000',940,-1,'{"sop_instance_uid":"1.2.826.0.1.3680043.10.1.1.9.1.1","image_position_patient":[-10.0,-20.0,5.0],"instance_number":1,"sop_class_uid":"1.2.840.10008.5.1.4.1.1.4","transfer_syntax_uid":"1.2.840.10008.1.2.1","rows":8,"columns":6,"image_orientation_patient":[1.0,0.0,0.0,0.0,1.0,0.0],"pixel_spacing":[0.7,0.6],"frame_of_reference_uid":"1.2.826.0.1.3680043.10.1.3","image_type":["ORIGINAL","PRIMARY","M"],"scanning_sequence":["SE"],"repetition_time":3500.0,"echo_time":100.0,"slice_thickness":4.0}',0,0,NULL);
INSERT INTO "instance" VALUES('1.2.826.0.1.3680043.10.1.1.9.1.2','1.2.826.0.1.3680043.10.1.2.1','2.25.301462329658558481562578878985863269505',1,'img0001','a/IM0001',940,-1,'{"sop_instance_uid":"1.2.826.0.1.3680043.10.1.1.9.1.2","image_position_patient":[-10.0,-20.0,9.4],"instance_number":2,"sop_class_uid":"1.2.840.10008.5.1.4.1.1.4","transfer_syntax_uid":"1.2.840.10008.1.2.1","rows":8,"columns":6,"image_orientation_patient":[1.0,0.0,0.0,0.0,1.0,0.0],"pixel_spacing":[0.7,0.6],"frame_of_reference_uid":"1.2.826.0.1.3680043.10.1.3","image_type":["ORIGINAL","PRIMARY","M"],"scanning_sequence":["SE"],"repetition_time":3500.0,"echo_time":100.0,"slice_thickness":4.0}',0,0,NULL);
INSERT INTO "instance" VALUES('1.2.826.0.1.3680043.10.1.1.9.1.3','1.2.826.0.1.3680043.10.1.2.1','2.25.301462329658558481562578878985863269505',2,'img0001','a/IM0002',940,-1,'{"sop_instance_uid":"1.2.826.0.1.3680043.10.1.1.9.1.3","image_position_patient":[-10.0,-20.0,13.8],"instance_number":3,"sop_class_uid":"1.2.840.10008.5.1.4.1.1.4","transfer_syntax_uid":"1.2.840.10008.1.2.1","rows":8,"columns":6,"image_orientation_patient":[1.0,0.0,0.0,0.0,1.0,0.0],"pixel_spacing":[0.7,0.6],"frame_of_reference_uid":"1.2.826.0.1.3680043.10.1.3","image_type":["ORIGINAL","PRIMARY","M"],"scanning_sequence":["SE"],"repetition_time":3500.0,"echo_time":100.0,"slice_thickness":4.0}',0,0,NULL);
INSERT INTO "instance" VALUES('1.2.826.0.1.3680043.10.1.8.9.2.1','1.2.826.0.1.3680043.10.1.2.2','2.25.6941253014216355713049483563730833462',0,'img0001','b/IM0000',940,-1,'{"sop_instance_uid":"1.2.826.0.1.3680043.10.1.8.9.2.1","image_position_patient":[-10.0,-20.0,5.0],"instance_number":1,"sop_class_uid":"1.2.840.10008.5.1.4.1.1.4","transfer_syntax_uid":"1.2.840.10008.1.2.1","rows":8,"columns":6,"image_orientation_patient":[1.0,0.0,0.0,0.0,1.0,0.0],"pixel_spacing":[0.7,0.6],"frame_of_reference_uid":"1.2.826.0.1.3680043.10.1.3","image_type":["ORIGINAL","PRIMARY","M"],"scanning_sequence":["SE"],"repetition_time":3500.0,"echo_time":100.0,"slice_thickness":4.0}',0,0,NULL);
INSERT INTO "instance" VALUES('1.2.826.0.1.3680043.10.1.8.9.2.2','1.2.826.0.1.3680043.10.1.2.2','2.25.6941253014216355713049483563730833462',1,'img0001','b/IM0001',940,-1,'{"sop_instance_uid":"1.2.826.0.1.3680043.10.1.8.9.2.2","image_position_patient":[-10.0,-20.0,9.4],"instance_number":2,"sop_class_uid":"1.2.840.10008.5.1.4.1.1.4","transfer_syntax_uid":"1.2.840.10008.1.2.1","rows":8,"columns":6,"image_orientation_patient":[1.0,0.0,0.0,0.0,1.0,0.0],"pixel_spacing":[0.7,0.6],"frame_of_reference_uid":"1.2.826.0.1.3680043.10.1.3","image_type":["ORIGINAL","PRIMARY","M"],"scanning_sequence":["SE"],"repetition_time":3500.0,"echo_time":100.0,"slice_thickness":4.0}',0,0,NULL);
INSERT INTO "instance" VALUES('1.2.826.0.1.3680043.10.1.8.9.2.3','1.2.826.0.1.3680043.10.1.2.2','2.25.6941253014216355713049483563730833462',2,'img0001','b/IM0002',940,-1,'{"sop_instance_uid":"1.2.826.0.1.3680043.10.1.8.9.2.3","image_position_patient":[-10.0,-20.0,13.8],"instance_number":3,"sop_class_uid":"1.2.840.10008.5.1.4.1.1.4","transfer_syntax_uid":"1.2.840.10008.1.2.1","rows":8,"columns":6,"image_orientation_patient":[1.0,0.0,0.0,0.0,1.0,0.0],"pixel_spacing":[0.7,0.6],"frame_of_reference_uid":"1.2.826.0.1.3680043.10.1.3","image_type":["ORIGINAL","PRIMARY","M"],"scanning_sequence":["SE"],"repetition_time":3500.0,"echo_time":100.0,"slice_thickness":4.0}',0,0,NULL);
CREATE TABLE lesion (
	lesion_uid VARCHAR NOT NULL, 
	patient_id VARCHAR NOT NULL, 
	level VARCHAR NOT NULL, 
	side VARCHAR, 
	type VARCHAR, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_lesion PRIMARY KEY (lesion_uid), 
	CONSTRAINT fk_lesion_patient_id_patient FOREIGN KEY(patient_id) REFERENCES patient (patient_id)
);
INSERT INTO "lesion" VALUES('2.25.159201790849929040037360677604038829503','T-001','L5-S1','left',NULL,'2026-11-21 12:13:52.730402');
CREATE TABLE measurement (
	reading_uid VARCHAR NOT NULL, 
	volume_mm3 DOUBLE NOT NULL, 
	volume_sigma_mm3 DOUBLE NOT NULL, 
	n_voxels INTEGER NOT NULL, 
	n_slices INTEGER NOT NULL, 
	n_fragments INTEGER NOT NULL, 
	fragment_volumes_mm3 JSON NOT NULL, 
	in_plane_diameter_mm DOUBLE NOT NULL, 
	perpendicular_diameter_mm DOUBLE NOT NULL, 
	extent_across_slices_mm DOUBLE NOT NULL, 
	max_diameter_mm DOUBLE NOT NULL, 
	centroid_lps JSON, 
	rules_sha256 VARCHAR NOT NULL, 
	CONSTRAINT pk_measurement PRIMARY KEY (reading_uid), 
	CONSTRAINT fk_measurement_reading_uid_reading FOREIGN KEY(reading_uid) REFERENCES reading (reading_uid)
);
INSERT INTO "measurement" VALUES('2.25.293783482278611348812941945909148992370',0.0,20.0,0,0,0,'[]',0.0,0.0,0.0,0.0,NULL,'47f8d42ada2bfb9264e4ddfabb81b37e37cdd94fa5137e135885ebfe2b8a07b1');
CREATE TABLE outcome (
	lesion_uid VARCHAR NOT NULL, 
	rules_sha256 VARCHAR NOT NULL, 
	horizon VARCHAR NOT NULL, 
	rules VARCHAR NOT NULL, 
	outcome VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	flags JSON NOT NULL, 
	visit_states VARCHAR NOT NULL, 
	stability DOUBLE NOT NULL, 
	class_shares JSON NOT NULL, 
	last_date DATE, 
	last_day INTEGER, 
	CONSTRAINT pk_outcome PRIMARY KEY (lesion_uid, rules_sha256, horizon), 
	CONSTRAINT fk_outcome_lesion_uid_lesion FOREIGN KEY(lesion_uid) REFERENCES lesion (lesion_uid)
);
INSERT INTO "outcome" VALUES('2.25.159201790849929040037360677604038829503','47f8d42ada2bfb9264e4ddfabb81b37e37cdd94fa5137e135885ebfe2b8a07b1','primary','default 1.0.0','indeterminate','baseline below limit of detection','[]','',1.0,'[["resorption", 0.0], ["persistent_reduction", 0.0], ["transient_reduction", 0.0], ["stable", 0.0], ["progression", 0.0], ["indeterminate", 1.0]]',NULL,NULL);
INSERT INTO "outcome" VALUES('2.25.159201790849929040037360677604038829503','47f8d42ada2bfb9264e4ddfabb81b37e37cdd94fa5137e135885ebfe2b8a07b1','latest','default 1.0.0','indeterminate','baseline below limit of detection','[]','',1.0,'[["resorption", 0.0], ["persistent_reduction", 0.0], ["transient_reduction", 0.0], ["stable", 0.0], ["progression", 0.0], ["indeterminate", 1.0]]',NULL,NULL);
CREATE TABLE patient (
	patient_id VARCHAR NOT NULL, 
	is_identified BOOLEAN NOT NULL, 
	CONSTRAINT pk_patient PRIMARY KEY (patient_id)
);
INSERT INTO "patient" VALUES('T-001',1);
CREATE TABLE reading (
	reading_uid VARCHAR NOT NULL, 
	lesion_uid VARCHAR NOT NULL, 
	visit_date DATE NOT NULL, 
	reader VARCHAR NOT NULL, 
	status VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	stack_uid VARCHAR, 
	series_instance_uid VARCHAR, 
	study_instance_uid VARCHAR, 
	modality VARCHAR NOT NULL, 
	created_at DATETIME NOT NULL, 
	supersedes JSON NOT NULL, 
	superseded_by VARCHAR, 
	segmentation_file VARCHAR, 
	segmentation_sha256 VARCHAR, 
	source VARCHAR NOT NULL, 
	source_sha256 VARCHAR, 
	CONSTRAINT pk_reading PRIMARY KEY (reading_uid), 
	CONSTRAINT fk_reading_lesion_uid_lesion FOREIGN KEY(lesion_uid) REFERENCES lesion (lesion_uid)
);
INSERT INTO "reading" VALUES('2.25.293783482278611348812941945909148992370','2.25.159201790849929040037360677604038829503','2024-02-15','reader-1','absent','no displacement left','2.25.6941253014216355713049483563730833462','1.2.826.0.1.3680043.10.1.2.2','1.2.826.0.1.3680043.10.1.8','MR','2026-11-21 12:13:53.855723','[]',NULL,'2.25.293783482278611348812941945909148992370.dcm','ad923934e182d5e07510ba0d8946c6acd5814dae47fc40e7efa53d9e41eb3deb','reader''s word',NULL);
CREATE TABLE reject (
	root VARCHAR NOT NULL, 
	relative_path VARCHAR NOT NULL, 
	size BIGINT NOT NULL, 
	mtime_ns BIGINT NOT NULL, 
	code VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	CONSTRAINT pk_reject PRIMARY KEY (root, relative_path)
);
INSERT INTO "reject" VALUES('img0001','notes.txt',8,1795263228903193190,'not_dicom','the file is no DICOM file: no DICM prefix and no data element at its start');
CREATE TABLE series (
	series_instance_uid VARCHAR NOT NULL, 
	study_instance_uid VARCHAR NOT NULL, 
	modality VARCHAR NOT NULL, 
	series_number INTEGER, 
	series_description VARCHAR NOT NULL, 
	protocol_name VARCHAR NOT NULL, 
	body_part_examined VARCHAR NOT NULL, 
	manufacturer VARCHAR NOT NULL, 
	manufacturer_model_name VARCHAR NOT NULL, 
	magnetic_field_strength DOUBLE, 
	CONSTRAINT pk_series PRIMARY KEY (series_instance_uid), 
	CONSTRAINT fk_series_study_instance_uid_study FOREIGN KEY(study_instance_uid) REFERENCES study (study_instance_uid)
);
INSERT INTO "series" VALUES('1.2.826.0.1.3680043.10.1.2.1','1.2.826.0.1.3680043.10.1.1','MR',1,'T2 AX','','','','',NULL);
INSERT INTO "series" VALUES('1.2.826.0.1.3680043.10.1.2.2','1.2.826.0.1.3680043.10.1.8','MR',2,'T2 AX','','','','',NULL);
CREATE TABLE stack (
	stack_uid VARCHAR NOT NULL, 
	series_instance_uid VARCHAR NOT NULL, 
	n_slices INTEGER NOT NULL, 
	rows INTEGER NOT NULL, 
	columns INTEGER NOT NULL, 
	slice_spacing_mm DOUBLE NOT NULL, 
	pixel_spacing_row_mm DOUBLE NOT NULL, 
	pixel_spacing_col_mm DOUBLE NOT NULL, 
	affine_lps JSON NOT NULL, 
	plane VARCHAR NOT NULL, 
	weighting VARCHAR NOT NULL, 
	weighting_evidence VARCHAR NOT NULL, 
	frame_of_reference_uid VARCHAR NOT NULL, 
	is_regular BOOLEAN NOT NULL, 
	problems JSON NOT NULL, role VARCHAR DEFAULT 'diagnostic' NOT NULL, role_evidence VARCHAR DEFAULT '' NOT NULL, is_lumbar BOOLEAN, lumbar_evidence VARCHAR DEFAULT '' NOT NULL, 
	CONSTRAINT pk_stack PRIMARY KEY (stack_uid), 
	CONSTRAINT fk_stack_series_instance_uid_series FOREIGN KEY(series_instance_uid) REFERENCES series (series_instance_uid)
);
INSERT INTO "stack" VALUES('2.25.301462329658558481562578878985863269505','1.2.826.0.1.3680043.10.1.2.1',3,8,6,4.4,0.7,0.6,'[[0.0, 0.0, 0.6, -10.0], [0.0, 0.7, 0.0, -20.0], [4.4, 0.0, 0.0, 5.0], [0.0, 0.0, 0.0, 1.0]]','axial','T2','TR 3500 ms, TE 100 ms, SE','1.2.826.0.1.3680043.10.1.3',1,'[]','diagnostic','',NULL,'');
INSERT INTO "stack" VALUES('2.25.6941253014216355713049483563730833462','1.2.826.0.1.3680043.10.1.2.2',3,8,6,4.4,0.7,0.6,'[[0.0, 0.0, 0.6, -10.0], [0.0, 0.7, 0.0, -20.0], [4.4, 0.0, 0.0, 5.0], [0.0, 0.0, 0.0, 1.0]]','axial','T2','TR 3500 ms, TE 100 ms, SE','1.2.826.0.1.3680043.10.1.3',1,'[]','diagnostic','',NULL,'');
CREATE TABLE study (
	study_instance_uid VARCHAR NOT NULL, 
	patient_id VARCHAR NOT NULL, 
	study_date DATE, 
	study_description VARCHAR NOT NULL, stated_patient_id VARCHAR DEFAULT '' NOT NULL, person_name VARCHAR DEFAULT '' NOT NULL, person_name_bytes VARCHAR DEFAULT '' NOT NULL, person_character_set VARCHAR DEFAULT '' NOT NULL, person_read_as VARCHAR DEFAULT '' NOT NULL, person_sex VARCHAR DEFAULT '' NOT NULL, person_birth_date DATE, 
	CONSTRAINT pk_study PRIMARY KEY (study_instance_uid), 
	CONSTRAINT fk_study_patient_id_patient FOREIGN KEY(patient_id) REFERENCES patient (patient_id)
);
INSERT INTO "study" VALUES('1.2.826.0.1.3680043.10.1.1','T-001','2024-01-15','','','','','','','',NULL);
INSERT INTO "study" VALUES('1.2.826.0.1.3680043.10.1.8','T-001','2024-02-15','','','','','','','',NULL);
CREATE TABLE "visit" (
	patient_id VARCHAR NOT NULL, 
	visit_date DATE NOT NULL, 
	day INTEGER NOT NULL, 
	timepoint VARCHAR NOT NULL, 
	is_baseline_confirmed BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_visit PRIMARY KEY (patient_id, visit_date), 
	CONSTRAINT fk_visit_patient_id_patient FOREIGN KEY(patient_id) REFERENCES patient (patient_id)
);
INSERT INTO "visit" VALUES('T-001','2024-01-15',0,'baseline',0);
INSERT INTO "visit" VALUES('T-001','2024-02-15',31,'1 month',0);
CREATE INDEX ix_lesion_patient_id ON lesion (patient_id);
CREATE INDEX ix_study_patient_id ON study (patient_id);
CREATE INDEX ix_reading_lesion_uid ON reading (lesion_uid);
CREATE INDEX ix_series_study_instance_uid ON series (study_instance_uid);
CREATE INDEX ix_stack_series_instance_uid ON stack (series_instance_uid);
CREATE INDEX ix_instance_series_instance_uid ON instance (series_instance_uid);
CREATE INDEX ix_instance_stack_uid ON instance (stack_uid);
CREATE UNIQUE INDEX ix_instance_file ON instance (root, relative_path, frame_number);
COMMIT;
