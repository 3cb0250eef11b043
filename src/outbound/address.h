/*
 * address.h
 *		IP addresses, and which of them a request may be sent to.
 */
#ifndef CG_OUTBOUND_ADDRESS_H
#define CG_OUTBOUND_ADDRESS_H

#include "postgres.h"

#include <netinet/in.h>
#include <sys/socket.h>

typedef struct CgAddress
{
	int           family;    /* AF_INET or AF_INET6 */
	unsigned char bytes[16]; /* in network order; the first 4 of an IPv4 address */
} CgAddress;

typedef enum CgAddressKind
{
	CG_ADDRESS_PUBLIC,
	CG_ADDRESS_LOOPBACK,
	CG_ADDRESS_PRIVATE,  /* RFC 1918, unique local, carrier-grade NAT */
	CG_ADDRESS_FORBIDDEN /* link-local, cloud metadata, multicast, reserved, ... */
} CgAddressKind;

/*
 * What an address is.  One that carries an IPv4 address (mapped, 6to4, NAT64) is what
 * that address is.
 */
extern CgAddressKind cg_address_kind(const CgAddress *address);

/* False when it is neither IPv4 nor IPv6. */
extern bool cg_address_from_sockaddr(const struct sockaddr *from, CgAddress *address);

/*
 * Reads an address as text.  IPv4 is also taken in the forms of inet_aton(): octal,
 * hexadecimal, decimal, short.  IPv6 without brackets and zone.
 */
extern bool cg_address_from_text(const char *text, CgAddress *address);

/* Writes it in its normal form; the buffer has INET6_ADDRSTRLEN bytes. */
extern void cg_address_to_text(const CgAddress *address, char *text);

extern bool cg_address_equal(const CgAddress *a, const CgAddress *b);

#endif /* CG_OUTBOUND_ADDRESS_H */
