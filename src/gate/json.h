/*
 * json.h
 *		The JSON that the gate writes: strings.
 */
#ifndef CG_GATE_JSON_H
#define CG_GATE_JSON_H

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

#endif /* CG_GATE_JSON_H */
