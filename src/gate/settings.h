/*
 * settings.h
 *		What the gate is told on its standard input.
 *
 * A block is lines of name=value, ended by an empty line; the first block starts the
 * gate and each later one changes it.  Names may be written with or without
 * "cloudgreet." before them.  A number without unit counts milliseconds or bytes;
 * units are ms, s, min, h, B, kB, MB and GB, and on and off are 1 and 0.  A setting that is not named keeps its
 * value; so does one whose value is refused, which is logged.
 *
 * A line "ping", between two blocks, asks for a line "pong" on standard output.
 */
#ifndef CG_GATE_SETTINGS_H
#define CG_GATE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gate/setting_list.h"

typedef struct CgSettings
{
	int64_t access_log;         /* 1: a line in the log for each request */
	int64_t answer_bytes;       /* of all answers that wait for their clients */
	int64_t body_bytes;         /* 413 */
	int64_t business_executors; /* that one business may hold; 0: half of them */
	int64_t body_timeout;    /* ms from the end of the head to the end of the body: 408 */
	int64_t connections;     /* then an idle one is closed, or 503 */
	int64_t drain_timeout;   /* ms that requests may take once the gate shall end */
	int64_t executors;       /* database connections */
	int64_t header_bytes;    /* of request line and headers: 431 */
	int64_t header_timeout;  /* ms from the first byte to the end of the head: 408 */
	int64_t idle_timeout;    /* ms without a request; then the connection is closed */
	int64_t port;            /* 0: any that is free */
	int64_t queue;           /* requests that wait for an executor: 503 */
	int64_t read_timeout;    /* ms that a GET may take in the database: 504 */
	int64_t request_timeout; /* ms in the database: 504; in the queue: 503 */
	int64_t spare;           /* 1: stand by with one connection, without listening */
	int64_t write_timeout;   /* ms in which the client takes nothing of its answer */
	char    conninfo[4096];
	char    cors_origins[4096]; /* whose pages may read answers, by commas */
	char    listen_addresses[CG_SETTING_ADDRESSES_BYTES];
} CgSettings;

/* Collects the bytes of a block. */
typedef struct CgSettingsReader
{
	char   line[8192];
	size_t length;
	bool   is_overlong; /* the line does not fit; the rest of it is skipped */
	bool   has_lines;   /* the block is not empty so far */
	int    pings;       /* lines "ping" that are not answered yet */
} CgSettingsReader;

extern void cg_settings_default(CgSettings *settings);

/*
 * Takes bytes up to the end of a block or all of them, and says how many.  *complete
 * is set when a block ended; *settings is then as the block wants it.
 */
extern size_t cg_settings_read(CgSettingsReader *reader, CgSettings *settings,
							   const char *bytes, size_t length, bool *complete);

#endif /* CG_GATE_SETTINGS_H */
