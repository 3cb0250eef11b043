/*
 * json_size.h
 *		What a JSON value prints to, known without printing it.
 */
#ifndef CG_CORE_JSON_SIZE_H
#define CG_CORE_JSON_SIZE_H

#include "postgres.h"

#include "utils/jsonb.h"
#include "utils/numeric.h"

/* A number prints to at most so many characters; the longest of a double has 309 digits. */
#define CG_NUMBER_CHARS 1000

/* How many characters a number prints to. */
extern int cg_number_size(Numeric number);

/*
 * How many bytes a value prints to; counting ends with the first byte above the limit, so
 * that more than the limit means "too many", not how many.
 */
extern int64 cg_json_size(JsonbContainer *value, int64 limit);

/*
 * Demands of a document that came in as "length" bytes that it is about as long when it is
 * printed.  ERROR 22003 for a number of more than CG_NUMBER_CHARS characters, 54000 for a
 * document of more than a few times its length.  To be called at each place where JSON
 * comes in, once; whatever is made of the document later is then bounded by what was sent.
 */
extern void cg_json_admit(Jsonb *document, size_t length);

/* Reads JSON that came in: jsonb_in() and cg_json_admit(); their errors. */
extern Jsonb *cg_json_read(const char *text);

#endif /* CG_CORE_JSON_SIZE_H */
