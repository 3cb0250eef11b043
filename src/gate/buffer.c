/*
 * buffer.c
 *		Bytes that grow; see buffer.h for what happens when memory runs out.
 *
 * Called by:	whatever collects bytes in the gate
 * Shown by:	test/t/101_gate_limits.pl
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gate/buffer.h"

#define SMALLEST_CAPACITY 256

bool
cg_buffer_reserve(CgBuffer *buffer, size_t more)
{
	size_t capacity = buffer->capacity;
	char  *data;

	if (buffer->failed || more > SIZE_MAX / 4 - buffer->length)
	{
		buffer->failed = true;
		return false;
	}
	if (capacity - buffer->length >= more)
		return true;
	if (capacity < SMALLEST_CAPACITY)
		capacity = SMALLEST_CAPACITY;
	while (capacity - buffer->length < more)
		capacity *= 2;
	data = realloc(buffer->data, capacity);
	if (data == NULL)
	{
		buffer->failed = true;
		return false;
	}
	buffer->data = data;
	buffer->capacity = capacity;
	return true;
}

void
cg_buffer_append(CgBuffer *buffer, const void *bytes, size_t length)
{
	if (length == 0 || !cg_buffer_reserve(buffer, length))
		return;
	memcpy(buffer->data + buffer->length, bytes, length);
	buffer->length += length;
}

void
cg_buffer_text(CgBuffer *buffer, const char *text)
{
	cg_buffer_append(buffer, text, strlen(text));
}

void
cg_buffer_char(CgBuffer *buffer, char c)
{
	cg_buffer_append(buffer, &c, 1);
}

void
cg_buffer_printf(CgBuffer *buffer, const char *format, ...)
{
	char    text[512];
	va_list arguments;
	int     length;

	va_start(arguments, format);
	length = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t) length >= sizeof(text))
	{
		buffer->failed = true;
		return;
	}
	cg_buffer_append(buffer, text, (size_t) length);
}

void
cg_buffer_consume(CgBuffer *buffer, size_t length)
{
	buffer->length -= length;
	if (buffer->length > 0 && length > 0)
		memmove(buffer->data, buffer->data + length, buffer->length);
}

void
cg_buffer_free(CgBuffer *buffer)
{
	free(buffer->data);
	memset(buffer, 0, sizeof(*buffer));
}
