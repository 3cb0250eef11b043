/*
 * buffer.h
 *		Bytes that grow.
 *
 * Failure is sticky: once memory ran out, appending does nothing and `failed`
 * stays set, so that a caller who writes many pieces looks once, at the end.
 */
#ifndef CG_GATE_BUFFER_H
#define CG_GATE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct CgBuffer
{
	char  *data; /* NULL while capacity is 0; never ended by a zero byte */
	size_t length;
	size_t capacity;
	bool   failed;
} CgBuffer;

/* Makes room for so many bytes more; false when memory ran out. */
extern bool cg_buffer_reserve(CgBuffer *buffer, size_t more);

extern void cg_buffer_append(CgBuffer *buffer, const void *bytes, size_t length);
extern void cg_buffer_text(CgBuffer *buffer, const char *text);
extern void cg_buffer_char(CgBuffer *buffer, char c);
extern void cg_buffer_printf(CgBuffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Forgets the first bytes. */
extern void cg_buffer_consume(CgBuffer *buffer, size_t length);

/* Gives the memory back; the buffer is empty and usable afterwards. */
extern void cg_buffer_free(CgBuffer *buffer);

#endif /* CG_GATE_BUFFER_H */
