/*
 * json_walk.h
 *		Visits the values of a small JSON object without ever raising an error.
 */
#ifndef CG_CORE_JSON_WALK_H
#define CG_CORE_JSON_WALK_H

#include "postgres.h"

#include "common/jsonapi.h"

/*
 * Called for each value below the top.  path joins the member names with dots
 * ("a.b"); in_array tells that the value is an element of an array there.  token
 * is the decoded text of a string, or the literal; NULL for an object or array,
 * whose type is JSON_TOKEN_OBJECT_START or JSON_TOKEN_ARRAY_START.  Returning
 * false ends the walk as refused.
 */
typedef bool (*CgJsonVisit)(void *state, const char *path, bool in_array,
							const char *token, JsonTokenType type);

/*
 * True when the text is one JSON object, nested at most 32 deep, without a member
 * named twice in an object, and every visit returned true.
 */
extern bool cg_json_walk(const char *json, size_t length, CgJsonVisit visit, void *state);

#endif /* CG_CORE_JSON_WALK_H */
