/*
 * message.h
 *		How much of a message an answer or a log line carries.
 */
#ifndef CG_CORE_MESSAGE_H
#define CG_CORE_MESSAGE_H

/* Bytes of a message, detail or hint; a value that it quotes may be of any length. */
#define CG_MESSAGE_BYTES 1000

/*
 * The text itself, or the beginning of a longer one, with "..." behind it; NULL for NULL.
 * The result is allocated in the current context, or is text.
 */
extern const char *cg_message_clip(const char *text);

#endif /* CG_CORE_MESSAGE_H */
