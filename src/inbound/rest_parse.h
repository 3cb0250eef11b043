/*
 * rest_parse.h
 *		Reads a request off the wire: query string, headers, body.
 */
#ifndef CG_INBOUND_REST_PARSE_H
#define CG_INBOUND_REST_PARSE_H

#include "postgres.h"

#include "inbound/rest.h"

/*
 * Reads select, filters, order, limit, offset, columns from the parameters.
 * ERROR 42601 with a message about what is wrong, 0A000 for what is not there yet.
 */
extern void cg_rest_parse(const CgTarget *target, CgRestRequest *request);

/*
 * Reads Prefer, Accept, Range (into limit and offset, after cg_rest_parse()) and the
 * profiles.  Answers 406 or 416 and returns false for what cannot be served; ERROR
 * 0A000 for what is not there yet.
 */
extern bool cg_rest_read_headers(const CgRequest *request, CgRestRequest *rest,
								 CgResponse *response);

/*
 * The keys of the body's object, or of each object of its array, as a list of char *.
 * Returns false when an item of the array is no object, or its keys are others.
 */
extern bool cg_rest_body_keys(Jsonb *body, List **keys);

/* One parameter that is a filter; the errors of cg_rest_parse(). */
extern CgRestFilter *cg_rest_parse_filter(const CgParam *param);

/* The text behind its blanks and line ends. */
extern const char *cg_rest_skip_blanks(const char *text);

/*
 * One item up to any of the delimiters, without blanks around it, unquoted; *cursor then
 * stands on the delimiter or the end.  ERROR 42601 says "what" was read.
 */
extern char *cg_rest_take_item(const char **cursor, const char *delimiters,
							   const char *what, bool *is_quoted);

/*
 * Whether an item follows those that were read: passes over the comma.  ERROR 54000 when
 * there are too many.
 */
extern bool cg_rest_next_item(const char **cursor, List *items, const char *what);

/* Items between commas, as char *; blanks alone are no item.  The comma is a delimiter. */
extern List *cg_rest_take_list(const char **cursor, const char *delimiters,
							   const char *what);

/* ERROR 42601: what the text was taken for. */
extern void cg_rest_refuse(const char *what, const char *value) pg_attribute_noreturn();

/* ERROR 0A000, for parts of the protocol that would else be passed over. */
extern void cg_rest_refuse_feature(const char *what) pg_attribute_noreturn();

/* The same for a column's name that is a path into JSON or another table. */
extern void cg_rest_refuse_path(const char *name);

#endif /* CG_INBOUND_REST_PARSE_H */
