/*
 * message.c
 *		Cuts messages that quote what somebody sent.
 *
 * Called by whatever puts an error into an answer or a log line.
 * Memory:		the current context.
 * Shown by:	test/sql/json_size.sql
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "core/message.h"

#define MARK "..."

const char *
cg_message_clip(const char *text)
{
	size_t length = text == NULL ? 0 : strlen(text);
	int    kept;

	if (length <= CG_MESSAGE_BYTES)
		return text;
	kept = pg_mbcliplen(text, CG_MESSAGE_BYTES, CG_MESSAGE_BYTES - (int) strlen(MARK));
	return psprintf("%.*s" MARK, kept, text);
}
