/*
 * address.c
 *		Tells public addresses from those behind which our own network lies.
 *
 * After the IANA special-purpose registries (RFC 6890 and its successors), with the
 * metadata services of clouds that hide at addresses of other kinds.  Of IPv6 only
 * 2000::/3 is ever public, so what is assigned tomorrow is refused until it is known.
 *
 * Errors:		none raised; nothing is allocated, so callbacks of libcurl may call it.
 * Called by:	resolver.c, destination.c, client_transfer.c
 * Shown by:	test/t/125_http_client.pl
 */
#include "postgres.h"

#include <arpa/inet.h>

#include "outbound/address.h"

typedef struct Prefix
{
	unsigned char bytes[16];
	int           bits;
	CgAddressKind kind;
	int           embedded; /* where an IPv4 address begins that decides, or 0 */
} Prefix;

/* The first match counts; what matches nothing is public. */
static const Prefix ipv4_prefixes[] = {
	{{100, 100, 100, 200}, 32, CG_ADDRESS_FORBIDDEN}, /* metadata: Alibaba Cloud */
	{{168, 63, 129, 16}, 32, CG_ADDRESS_FORBIDDEN},   /* metadata: Azure */
	{{10}, 8, CG_ADDRESS_PRIVATE},
	{{172, 16}, 12, CG_ADDRESS_PRIVATE},
	{{192, 168}, 16, CG_ADDRESS_PRIVATE},
	{{100, 64}, 10, CG_ADDRESS_PRIVATE}, /* carrier-grade NAT */
	{{127}, 8, CG_ADDRESS_LOOPBACK},
	{{0}, 8, CG_ADDRESS_FORBIDDEN},          /* connects to loopback */
	{{169, 254}, 16, CG_ADDRESS_FORBIDDEN},  /* link-local; metadata of most clouds */
	{{192, 0, 0}, 24, CG_ADDRESS_FORBIDDEN}, /* protocol assignments; Oracle Cloud */
	{{192, 0, 2}, 24, CG_ADDRESS_FORBIDDEN},
	{{192, 88, 99}, 24, CG_ADDRESS_FORBIDDEN}, /* 6to4 relays */
	{{198, 18}, 15, CG_ADDRESS_FORBIDDEN},
	{{198, 51, 100}, 24, CG_ADDRESS_FORBIDDEN},
	{{203, 0, 113}, 24, CG_ADDRESS_FORBIDDEN},
	{{224}, 3, CG_ADDRESS_FORBIDDEN}, /* multicast, reserved, broadcast */
};

/* The first match counts; what matches nothing is forbidden. */
static const Prefix ipv6_prefixes[] = {
	{{[15] = 1}, 128, CG_ADDRESS_LOOPBACK},
	{{[10] = 0xff, [11] = 0xff}, 96, CG_ADDRESS_FORBIDDEN, 12},
	{{0x00, 0x64, 0xff, 0x9b}, 96, CG_ADDRESS_FORBIDDEN, 12}, /* NAT64 */
	{{0x20, 0x02}, 16, CG_ADDRESS_FORBIDDEN, 2},              /* 6to4 */
	{{0x20, 0x01}, 23, CG_ADDRESS_FORBIDDEN},                 /* Teredo and others */
	{{0x20, 0x01, 0x0d, 0xb8}, 32, CG_ADDRESS_FORBIDDEN},     /* documentation */
	{{0x3f, 0xff}, 20, CG_ADDRESS_FORBIDDEN},                 /* documentation */
	{{0xfd, 0x00, 0x0e, 0xc2, [14] = 0x02, [15] = 0x54},
	 128,
	 CG_ADDRESS_FORBIDDEN}, /* metadata: AWS */
	{{0xfd, 0x20, 0x00, 0xce, [14] = 0x02, [15] = 0x54},
	 128,
	 CG_ADDRESS_FORBIDDEN}, /* metadata: Google Cloud */
	{{0xfc}, 7, CG_ADDRESS_PRIVATE},
	{{0x20}, 3, CG_ADDRESS_PUBLIC},
};

static bool matches(const CgAddress *address, const Prefix *prefix);

CgAddressKind
cg_address_kind(const CgAddress *address)
{
	if (address->family == AF_INET)
	{
		for (int i = 0; i < lengthof(ipv4_prefixes); i++)
			if (matches(address, &ipv4_prefixes[i]))
				return ipv4_prefixes[i].kind;
		return CG_ADDRESS_PUBLIC;
	}
	for (int i = 0; i < lengthof(ipv6_prefixes); i++)
	{
		const Prefix *prefix = &ipv6_prefixes[i];
		CgAddress     inner = {AF_INET};

		if (!matches(address, prefix))
			continue;
		if (prefix->embedded == 0)
			return prefix->kind;
		memcpy(inner.bytes, address->bytes + prefix->embedded, 4);
		return cg_address_kind(&inner);
	}
	return CG_ADDRESS_FORBIDDEN;
}

static bool
matches(const CgAddress *address, const Prefix *prefix)
{
	int whole = prefix->bits / 8;
	int rest = prefix->bits % 8;

	if (memcmp(address->bytes, prefix->bytes, whole) != 0)
		return false;
	return rest == 0 || (address->bytes[whole] ^ prefix->bytes[whole]) >> (8 - rest) == 0;
}

bool
cg_address_from_sockaddr(const struct sockaddr *from, CgAddress *address)
{
	memset(address, 0, sizeof(*address));
	address->family = from->sa_family;
	if (from->sa_family == AF_INET)
		memcpy(address->bytes, &((const struct sockaddr_in *) from)->sin_addr, 4);
	else if (from->sa_family == AF_INET6)
		memcpy(address->bytes, &((const struct sockaddr_in6 *) from)->sin6_addr, 16);
	else
		return false;
	return true;
}

bool
cg_address_from_text(const char *text, CgAddress *address)
{
	memset(address, 0, sizeof(*address));
	address->family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
	if (address->family == AF_INET6)
		return inet_pton(AF_INET6, text, address->bytes) == 1;
	/* inet_aton() would take what follows a blank for a remark */
	return text[strspn(text, "0123456789abcdefABCDEFxX.")] == '\0' &&
		   inet_aton(text, (struct in_addr *) address->bytes) == 1;
}

void
cg_address_to_text(const CgAddress *address, char *text)
{
	if (inet_ntop(address->family, address->bytes, text, INET6_ADDRSTRLEN) == NULL)
		text[0] = '\0';
}

bool
cg_address_equal(const CgAddress *a, const CgAddress *b)
{
	return a->family == b->family &&
		   memcmp(a->bytes, b->bytes, a->family == AF_INET ? 4 : 16) == 0;
}
