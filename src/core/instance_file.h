/*
 * instance_file.h
 *		Reads and writes the instance file of this database; for instance.c.
 */
#ifndef CG_CORE_INSTANCE_FILE_H
#define CG_CORE_INSTANCE_FILE_H

#include "postgres.h"

/* Whether the file is there and names this server, database, directory and token. */
extern bool cg_instance_file_says(const char *token);

/* Replaces the file, durably.  ERROR ZG116 when it cannot be written. */
extern void cg_instance_file_write(const char *token);

#endif /* CG_CORE_INSTANCE_FILE_H */
