/*
 * server_status.h
 *		Tells whether the server is being shut down.
 */
#ifndef CG_SERVER_SERVER_STATUS_H
#define CG_SERVER_SERVER_STATUS_H

/* False when it cannot be told. */
extern bool cg_server_is_stopping(void);

#endif /* CG_SERVER_SERVER_STATUS_H */
