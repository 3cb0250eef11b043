/*
 * schema_version.h
 *		Refuses to work with an extension or on an application schema of another age than
 *		this library.
 */
#ifndef CG_CORE_SCHEMA_VERSION_H
#define CG_CORE_SCHEMA_VERSION_H

/* The highest migration that this build carries (the Makefile counts them). */
#ifndef CG_SCHEMA_VERSION
#error "CG_SCHEMA_VERSION is set by the Makefile"
#endif

typedef enum CgSchemaState
{
	CG_SCHEMA_CURRENT,
	CG_SCHEMA_ABSENT, /* migrate() never ran here */
	CG_SCHEMA_OLDER,  /* than the library, as the extension itself may be */
	CG_SCHEMA_NEWER,
	CG_SCHEMA_BROKEN /* DROP EXTENSION ... CASCADE took parts of it */
} CgSchemaState;

/* The schema's version in this database, 0 when migrate() never ran here. */
extern int cg_schema_version(void);

extern CgSchemaState cg_schema_state(void);

/* ERROR ZG113 or ZG114 unless the extension's version is the library's. */
extern void cg_extension_require(void);

/* ERROR ZG117 when the schema, of that version, is broken. */
extern void cg_schema_require_whole(int version);

/*
 * ERROR unless the extension's version is the library's and the schema's version is
 * CG_SCHEMA_VERSION: ZG112 (missing), ZG113 (older), ZG114 (newer); ZG117 when it is
 * broken.  A positive answer is cached per backend until the bookkeeping table changes.
 */
extern void cg_schema_require(void);

#endif /* CG_CORE_SCHEMA_VERSION_H */
