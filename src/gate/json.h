/*
 * json.h
 *		The JSON that crosses the gate: strings to write, header lists to read.
 */
#ifndef CG_GATE_JSON_H
#define CG_GATE_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "gate/buffer.h"

/*
 * Writes what goes between the quotes of a JSON string.  Bytes that are no UTF-8
 * are taken for Latin-1, as a whole, so that any bytes become valid JSON; a zero
 * byte, which jsonb refuses, must not occur.
 */
extern void cg_json_escape(CgBuffer *out, const char *bytes, size_t length);

/* A quoted string of a text that ends in a zero byte. */
extern void cg_json_string(CgBuffer *out, const char *text);

/*
 * Called for each header; name and value are not ended by a zero byte and are
 * valid during the call only.  Returning false ends the reading.
 */
typedef bool (*CgJsonHeader)(void *context, const char *name, size_t name_length,
							 const char *value, size_t value_length);

/*
 * Reads response headers: [["name", "value"], ...] or {"name": "value"}, where a
 * value may be a string, a number or, in an object, a list of these.  Returns false
 * when the text is anything else, memory ran out or the callback said so.
 */
extern bool cg_json_read_headers(const char *text, size_t length, CgJsonHeader header,
								 void *context);

#endif /* CG_GATE_JSON_H */
