/*
 * setting_list.h
 *		The settings of the gate: name, unit, limits, what they are when nobody says
 *		otherwise, and what people are told of them.
 *
 * The one definition of each, in alphabetical order.  The server makes its settings
 * cloudgreet.gate_* of them (server/settings.c), the gate what it reads
 * (gate/settings.c).  Who includes this says what becomes of a switch, of a number and of
 * a text.
 *
 * Shown by test/t/045_settings.pl, which compares them with docs/settings.md.
 */
#ifndef CG_GATE_SETTING_LIST_H
#define CG_GATE_SETTING_LIST_H

typedef enum CgSettingUnit
{
	CG_SETTING_PLAIN,
	CG_SETTING_BYTES,
	CG_SETTING_MS
} CgSettingUnit;

#define CG_SETTING_HOUR 3600000
#define CG_SETTING_ADDRESSES_BYTES 1024 /* of gate_listen_addresses, with its end */

/* clang-format off */
#define CG_GATE_SETTINGS(SWITCH, NUMBER, TEXT) \
	SWITCH(access_log, 1, \
		   "Writes a line for each HTTP request into the log.", NULL) \
	NUMBER(answer_bytes, CG_SETTING_BYTES, 0, 1024 * 1024 * 1024, 64 * 1024 * 1024, \
		   "Sets how many bytes of answers may wait for their clients.", \
		   "Over it the slowest client's connection is closed.") \
	NUMBER(body_bytes, CG_SETTING_BYTES, 0, 1024 * 1024 * 1024, 1024 * 1024, \
		   "Sets the largest body of a request.", NULL) \
	NUMBER(body_timeout, CG_SETTING_MS, 1, CG_SETTING_HOUR, 30000, \
		   "Sets the time in which a request's body must arrive.", NULL) \
	NUMBER(business_executors, CG_SETTING_PLAIN, 0, 1000, 0, \
		   "Sets how many requests of one business run at a time.", \
		   "0 means half of cloudgreet.gate_executors.") \
	NUMBER(connections, CG_SETTING_PLAIN, 1, 1000000, 10000, \
		   "Sets the number of HTTP connections that are accepted.", NULL) \
	NUMBER(drain_timeout, CG_SETTING_MS, 0, CG_SETTING_HOUR, 3000, \
		   "Sets the time that requests may take once the gate ends.", NULL) \
	NUMBER(executors, CG_SETTING_PLAIN, 1, 1000, 4, \
		   "Sets the number of database connections of the HTTP gate.", NULL) \
	NUMBER(header_bytes, CG_SETTING_BYTES, 256, 1024 * 1024, 16384, \
		   "Sets the largest head of a request.", NULL) \
	NUMBER(header_timeout, CG_SETTING_MS, 1, CG_SETTING_HOUR, 10000, \
		   "Sets the time in which a request's head must arrive.", NULL) \
	NUMBER(idle_timeout, CG_SETTING_MS, 1, 24 * CG_SETTING_HOUR, 75000, \
		   "Sets the time after which an idle connection is closed.", NULL) \
	TEXT(listen_addresses, CG_SETTING_ADDRESSES_BYTES, "127.0.0.1", \
		 "Sets the addresses on which the HTTP gate listens.", NULL) \
	NUMBER(port, CG_SETTING_PLAIN, 0, 65535, 8787, \
		   "Sets the port on which the HTTP gate listens.", "0 means any that is free.") \
	NUMBER(queue, CG_SETTING_PLAIN, 0, 100000, 256, \
		   "Sets the number of requests that wait for the database.", NULL) \
	NUMBER(read_timeout, CG_SETTING_MS, 1, CG_SETTING_HOUR, 10000, \
		   "Sets the time that a GET may take in the database.", NULL) \
	NUMBER(request_timeout, CG_SETTING_MS, 1, CG_SETTING_HOUR, 30000, \
		   "Sets the time that a request may take in the database.", NULL) \
	NUMBER(write_timeout, CG_SETTING_MS, 1, CG_SETTING_HOUR, 30000, \
		   "Sets the time in which a client must take its answer.", NULL)
/* clang-format on */

#endif /* CG_GATE_SETTING_LIST_H */
