/*
 * gate_process.h
 *		Starts the gate as a process that shares nothing with the server.
 */
#ifndef CG_SERVER_GATE_PROCESS_H
#define CG_SERVER_GATE_PROCESS_H

#include "port.h"

/* The gate's exit code when the program could not be executed. */
#define CG_GATE_NOT_EXECUTED 127

/*
 * Starts the program of the gate.  Returns its process id and in *channel the
 * socket at whose other end are its standard input and output; -1 with errno set
 * when the system has no process or socket for it.
 */
extern pid_t cg_gate_process_start(const char *program, pgsocket *channel);

#endif /* CG_SERVER_GATE_PROCESS_H */
