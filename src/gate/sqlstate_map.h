/*
 * sqlstate_map.h
 *		What SQLSTATEs mean over HTTP: the one map, of both programs (sqlstate.c,
 *		src/inbound/response.c) and of docs/errors.md.
 *
 * An error of a request is answered in the database.  What the gate itself is told is
 * about the session or the server, so that most codes mean nothing there but 500.
 *
 * It is C without libraries.  Shown by test/sql/http.sql, test/t/100_gate_http.pl and, for
 * the document, test/lint/errors.
 */
#ifndef CG_GATE_SQLSTATE_MAP_H
#define CG_GATE_SQLSTATE_MAP_H

#include <stddef.h>
#include <string.h>

typedef struct CgSqlstateMeaning
{
	const char *prefix;
	int         status;       /* of a request's error */
	int         gate_status;  /* of what the gate is told; 0: 500 */
	const char *gate_message; /* texts of the server may quote data */
} CgSqlstateMeaning;

/* Longer prefixes first; the first match counts. */
static const CgSqlstateMeaning cg_sqlstate_map[] = {
	{"ZG101", 401, 0, NULL},
	{"ZG102", 403, 0, NULL},
	{"ZG103", 401, 0, NULL},
	{"ZG104", 422, 0, NULL},
	{"ZG105", 422, 0, NULL},
	{"ZG106", 422, 0, NULL},
	{"ZG107", 409, 0, NULL},
	{"ZG111", 404, 0, NULL},
	{"ZG1", 503, 503, "the application schema cannot be used now"},
	{"ZG303", 422, 0, NULL},
	{"ZG304", 422, 0, NULL},
	{"ZG305", 422, 0, NULL},
	{"ZG3", 409, 0, NULL},
	{"ZG402", 422, 0, NULL},
	{"ZG403", 422, 0, NULL},
	{"ZG404", 422, 0, NULL},
	{"ZG407", 422, 0, NULL},
	{"ZG4", 409, 0, NULL},
	{"08", 503, 503, "the database connection was lost"},
	{"0A", 400, 0, NULL},
	{"21", 400, 0, NULL},
	{"22023", 422, 0, NULL},
	{"22004", 422, 0, NULL},
	{"22", 400, 0, NULL},
	{"23503", 409, 0, NULL},
	{"23505", 409, 0, NULL},
	{"23P01", 409, 0, NULL},
	{"23502", 400, 0, NULL},
	{"23514", 422, 0, NULL},
	{"23", 400, 0, NULL},
	{"25006", 503, 503, "the server is read-only"},
	/* The prepared statement is gone: a pooler gave the session to another. */
	{"26000", 500, 503, "the database connection was lost"},
	{"28", 403, 0, NULL},
	{"3F000", 500, 503, "the extension is not installed"},
	{"40", 409, 409, "the request met another one that changed the same data"},
	{"42501", 403, 0, NULL},
	/* Of a request it is what it names, of the gate http() itself or a column of its. */
	{"42883", 404, 503, "the extension is not installed"},
	{"42P01", 404, 0, NULL},
	{"42703", 400, 503, "the extension was not updated"},
	{"42P17", 500, 0, NULL},
	{"42", 400, 0, NULL},
	{"53", 503, 503, "the database is out of resources"},
	{"54001", 400, 0, NULL},
	{"54", 413, 0, NULL},
	{"55000", 409, 0, NULL},
	{"55P03", 503, 0, NULL},
	{"57014", 504, 504, "the request took too long"},
	{"57", 503, 503, "the database is not available"},
	{"P0001", 400, 0, NULL},
	{"P0002", 404, 0, NULL},
};

/* NULL for a code that has no meaning of its own: 500. */
static inline const CgSqlstateMeaning *
cg_sqlstate_meaning(const char *code)
{
	for (size_t i = 0; i < sizeof(cg_sqlstate_map) / sizeof(cg_sqlstate_map[0]); i++)
	{
		const CgSqlstateMeaning *meaning = &cg_sqlstate_map[i];

		if (strncmp(code, meaning->prefix, strlen(meaning->prefix)) == 0)
			return meaning;
	}
	return NULL;
}

#endif /* CG_GATE_SQLSTATE_MAP_H */
