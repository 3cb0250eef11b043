/*
 * log.h
 *		Lines of JSON on stderr, which end up in the server's log.
 */
#ifndef CG_GATE_LOG_H
#define CG_GATE_LOG_H

#include <stddef.h>
#include <stdint.h>

/* One request, as the access log tells it. */
typedef struct CgAccess
{
	const char *id;
	const char *peer;
	const char *method; /* NULL: none was understood */
	const char *target; /* up to "?" is logged; not ended by a zero byte */
	size_t      target_length;
	int         status; /* 499: the client went away before the answer */
	size_t      bytes;  /* of the body */
	int64_t     time;   /* microseconds from the first byte to the last */
	int64_t     queue_time;
} CgAccess;

/*
 * All of these collect; cg_log_flush() writes.  A reader of stderr that does not keep
 * up costs lines, which are counted and reported, and never blocks the gate.
 */
extern void cg_log_access(const CgAccess *access);

/* An event; level is "info", "warning" or "error".  No secrets, no bodies. */
extern void cg_log(const char *level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Writes what can be written without waiting. */
extern void cg_log_flush(void);

/* How many bytes wait to be written. */
extern size_t cg_log_length(void);

/* Writes all, waiting for the reader for so many milliseconds at most. */
extern void cg_log_close(int milliseconds);

#endif /* CG_GATE_LOG_H */
