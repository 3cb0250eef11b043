/*
 * spi.h
 *		The one door to SPI: sessions, cached plans, and the owner's identity.
 *
 * No other file calls SPI_connect.  What runs as the owner runs with search_path
 * pinned, or an operator planted by the caller would run with the owner's rights.
 */
#ifndef CG_CORE_SPI_H
#define CG_CORE_SPI_H

#include "postgres.h"

#include "executor/spi.h"
#include "nodes/execnodes.h"

/* An open SPI session; lives on the caller's stack. */
typedef struct CgSpi
{
	const char          *what; /* shown as the error context, e.g. "migrating" */
	ErrorContextCallback callback;
} CgSpi;

/* Who the backend was before cg_run_as_owner(). */
typedef struct CgIdentity
{
	Oid role;
	int security_context;
	int settings_level;
} CgIdentity;

/*
 * Opens a session; "what" completes "while ..." in the error context and must
 * outlive it.  On ERROR the transaction abort closes SPI and the error stack.
 */
extern void cg_spi_begin(CgSpi *spi, const char *what);
extern void cg_spi_end(CgSpi *spi);

/* Runs a string of one or more statements without parameters. */
extern void cg_spi_exec(const char *sql);

/*
 * Runs one statement through the backend's plan cache, keyed by its text (use
 * string constants).  nulls may be NULL; limit 0 means all rows.  Returns the
 * number of rows, found in SPI_tuptable.
 */
extern uint64 cg_spi_query(const char *sql, int nargs, const Oid *types,
						   const Datum *values, const char *nulls, bool read_only,
						   long limit);

/* Column (from 1) of a row of SPI_tuptable; *isnull may not be NULL. */
extern Datum cg_spi_value(uint64 row, int column, bool *isnull);

/*
 * Makes cloudgreet_owner the effective role until cg_identity_restore(), the way
 * a SECURITY DEFINER function does: SET ROLE is refused meanwhile, and search_path
 * is pg_catalog, pg_temp.
 */
extern void cg_run_as_owner(CgIdentity *saved);

/* The same for cloudgreet_worker; for background workers, whose search_path is pinned. */
extern void cg_run_as_worker(CgIdentity *saved);
extern void cg_identity_restore(const CgIdentity *saved);

#endif /* CG_CORE_SPI_H */
