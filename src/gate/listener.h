/*
 * listener.h
 *		The sockets that clients connect to.
 */
#ifndef CG_GATE_LISTENER_H
#define CG_GATE_LISTENER_H

#include <stdbool.h>

/* Called once, before the others; false when memory ran out. */
extern bool cg_listener_init(void);

/*
 * Listens where the settings say: gate_listen_addresses is a list of addresses and
 * host names with commas between them, "*" is every IPv4 and IPv6 address.  Sockets
 * that fit already stay as they are.  When something cannot be listened on, that is
 * logged, and false returned; the sockets of before stay in their place then.
 *
 * The port is told on stdout: "listening PORT".
 */
extern bool cg_listener_configure(void);

/* Stops listening. */
extern void cg_listener_close(void);

#endif /* CG_GATE_LISTENER_H */
