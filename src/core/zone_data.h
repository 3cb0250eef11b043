/*
 * zone_data.h
 *		Former names of time zones, and the countries of zones.  For zone_name.c only.
 */
#ifndef CG_CORE_ZONE_DATA_H
#define CG_CORE_ZONE_DATA_H

typedef struct CgZoneLink
{
	const char *name;
	const char *canonical;
} CgZoneLink;

typedef struct CgZoneCountry
{
	const char *zone;
	char        country[3];
} CgZoneCountry;

/* Both in the order of their names. */
extern const CgZoneLink    cg_zone_links[];
extern const int           cg_zone_link_count;
extern const CgZoneCountry cg_zone_countries[];
extern const int           cg_zone_country_count;

#endif /* CG_CORE_ZONE_DATA_H */
