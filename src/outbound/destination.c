/*
 * destination.c
 *		Reads URLs by libcurl's own parser, so that what is checked is what is used.
 *
 * Whatever the two could still understand differently is caught later: libcurl is told
 * the address to connect to, and each socket's address is checked again.
 *
 * Memory:		the URL is malloc'ed by libcurl.
 * Errors:		none raised.
 * Called by:	client.c, client_request.c, client_transfer.c
 * Shown by:	test/t/125_http_client.pl
 */
#include "postgres.h"

#include <curl/curl.h>

#include "outbound/destination.h"

#define HTTP_PORT 80
#define HTTPS_PORT 443

static const char *find_fault(CURLU *parsed, const char *url, const CgHttpPolicy *policy,
							  CgDestination *destination);
static const char *check_scheme(CURLU *parsed, const CgHttpPolicy *policy,
								CgDestination *destination);
static const char *read_host(const char *text, CgDestination *destination);
static bool        ends_in_number(const char *host);
static bool        has_part(CURLU *parsed, CURLUPart part);

bool
cg_destination_parse(const char *url, const CgHttpPolicy *policy,
					 CgDestination *destination, const char **reason)
{
	CURLU *parsed = curl_url();

	memset(destination, 0, sizeof(*destination));
	*reason =
		parsed == NULL ? "out of memory" : find_fault(parsed, url, policy, destination);
	curl_url_cleanup(parsed);
	return *reason == NULL;
}

/* What is wrong with the URL, or NULL. */
static const char *
find_fault(CURLU *parsed, const char *url, const CgHttpPolicy *policy,
		   CgDestination *destination)
{
	char       *host = NULL;
	const char *fault;

	if (curl_url_set(parsed, CURLUPART_URL, url, CURLU_DISALLOW_USER) != CURLUE_OK)
		return "the URL cannot be parsed";
	if (has_part(parsed, CURLUPART_USER) || has_part(parsed, CURLUPART_PASSWORD))
		return "the URL has user information";
	fault = check_scheme(parsed, policy, destination);
	if (fault != NULL)
		return fault;
	if (has_part(parsed, CURLUPART_ZONEID))
		return "the URL's address has a zone";
	if (curl_url_get(parsed, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		return "the URL has no host";
	fault = read_host(host, destination);
	curl_free(host);
	if (fault != NULL)
		return fault;
	/* a fragment is never sent */
	curl_url_set(parsed, CURLUPART_FRAGMENT, NULL, 0);
	if (curl_url_get(parsed, CURLUPART_URL, &destination->url, 0) != CURLUE_OK)
		return "the URL cannot be written";
	return NULL;
}

static const char *
check_scheme(CURLU *parsed, const CgHttpPolicy *policy, CgDestination *destination)
{
	char *scheme = NULL;
	char *port = NULL;
	bool  is_plain;
	bool  is_known;

	if (curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
		return "the URL has no scheme";
	is_plain = strcmp(scheme, "http") == 0;
	is_known = is_plain || strcmp(scheme, "https") == 0;
	curl_free(scheme);
	if (!is_known)
		return "the URL's scheme is not http or https";
	if (is_plain && !policy->allow_plain)
		return "the URL is not https";

	if (curl_url_get(parsed, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK)
		return "the URL has no port";
	destination->port = atoi(port);
	curl_free(port);
	if (destination->port <= 0)
		return "the URL's port is 0";
	if (destination->port != (is_plain ? HTTP_PORT : HTTPS_PORT) &&
		!policy->allow_any_port)
		return "the URL's port is not the usual one";
	return NULL;
}

static const char *
read_host(const char *text, CgDestination *destination)
{
	char  *host = destination->host;
	size_t length = strlen(text);

	if (text[0] == '[' && length >= 2 && text[length - 1] == ']')
	{
		text++;
		length -= 2;
	}
	else if (length > 0 && text[length - 1] == '.')
		length--;
	if (length == 0 || length >= CG_HOST_NAME_SIZE)
		return "the URL's host is empty or too long";
	for (size_t i = 0; i < length; i++)
		host[i] = pg_ascii_tolower((unsigned char) text[i]);
	host[length] = '\0';

	destination->is_literal = cg_address_from_text(host, &destination->address);
	if (destination->is_literal)
		return NULL;
	if (host[strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-_.")] != '\0' ||
		strstr(host, "..") != NULL || host[0] == '.')
		return "the URL's host is not a name";
	/* such a name would be an address to some readers and a name to others */
	if (ends_in_number(host))
		return "the URL's host is not an address";
	return NULL;
}

static bool
ends_in_number(const char *host)
{
	const char *dot = strrchr(host, '.');
	const char *last = dot != NULL ? dot + 1 : host;

	if (last[0] == '0' && last[1] == 'x')
		return last[2 + strspn(last + 2, "0123456789abcdef")] == '\0';
	return last[strspn(last, "0123456789")] == '\0';
}

static bool
has_part(CURLU *parsed, CURLUPart part)
{
	char *text = NULL;
	bool  is_there = curl_url_get(parsed, part, &text, 0) == CURLUE_OK;

	curl_free(text);
	return is_there;
}

bool
cg_destination_allows(const CgHttpPolicy *policy, const CgAddress *address)
{
	switch (cg_address_kind(address))
	{
		case CG_ADDRESS_PUBLIC:
			return true;
		case CG_ADDRESS_LOOPBACK:
			return policy->allow_loopback;
		case CG_ADDRESS_PRIVATE:
			return policy->allow_private;
		case CG_ADDRESS_FORBIDDEN:
			break;
	}
	return false;
}
