/*
 * compat.h
 *		The only file that knows PostgreSQL's version numbers.
 *
 * Code is written for the newest interface it uses; what an older major lacks
 * is given here as a static inline cg_compat_*() with the newest meaning.  Two of
 * them would compile without it and fail while running: the extras of settings, and
 * a processor number that another process reads.  `make platform-17` shows them.
 */
#ifndef CG_COMPAT_H
#define CG_COMPAT_H

#include "postgres.h"

#include "common/jsonapi.h"
#include "mb/pg_wchar.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "utils/datetime.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#if PG_VERSION_NUM < 150000
#error "cloudgreet needs PostgreSQL 15 or newer"
#endif

/* postgres.h has what is in it until 15. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* Memory of a setting's "extra": the server frees it, with free() until 15. */
static inline void *
cg_compat_guc_malloc(size_t size)
{
#if PG_VERSION_NUM >= 160000
	return guc_malloc(LOG, size);
#else
	return malloc(size);
#endif
}

static inline void
cg_compat_guc_free(void *memory)
{
#if PG_VERSION_NUM >= 160000
	guc_free(memory);
#else
	free(memory);
#endif
}

/* DecodeDateTime(): since 16 it tells more about a fault. */
static inline int
cg_compat_decode_datetime(char **fields, int *types, int count, int *kind,
						  struct pg_tm *tm, fsec_t *fraction, int *zone)
{
#if PG_VERSION_NUM >= 160000
	DateTimeErrorExtra extra;

	return DecodeDateTime(fields, types, count, kind, tm, fraction, zone, &extra);
#else
	return DecodeDateTime(fields, types, count, kind, tm, fraction, zone);
#endif
}

/* What an action of the JSON parser returns: a status since 16. */
#if PG_VERSION_NUM >= 160000
typedef JsonParseErrorType CgCompatJsonResult;
#else
typedef void CgCompatJsonResult;
#endif

static inline CgCompatJsonResult
cg_compat_json_go_on(void)
{
#if PG_VERSION_NUM >= 160000
	return JSON_SUCCESS;
#endif
}

/* A lexer of UTF-8 text, with tokens unescaped, in the current memory context. */
static inline JsonLexContext *
cg_compat_json_lexer(const char *json, size_t length)
{
#if PG_VERSION_NUM >= 170000
	return makeJsonLexContextCstringLen(NULL, json, length, PG_UTF8, true);
#else
	return makeJsonLexContextCstringLen(unconstify(char *, json), length, PG_UTF8, true);
#endif
}

/* This process's index into ProcGlobal->allProcs. */
static inline int
cg_compat_proc_number(void)
{
#if PG_VERSION_NUM >= 170000
	return MyProcNumber;
#else
	return MyProc->pgprocno;
#endif
}

/* A set that lives until it is freed: since 17 a resource owner may end it sooner. */
static inline WaitEventSet *
cg_compat_wait_event_set(int events)
{
#if PG_VERSION_NUM >= 170000
	return CreateWaitEventSet(NULL, events);
#else
	return CreateWaitEventSet(TopMemoryContext, events);
#endif
}

#endif /* CG_COMPAT_H */
