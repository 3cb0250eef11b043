/*
 * large_object.c
 *		Refuses large objects to the API roles.
 *
 * A large object belongs to a database role and knows no business, and all tenants
 * share the roles anon and authenticated: what one made, each other could read.  The
 * functions that make them are granted to PUBLIC by PostgreSQL and used by others, so
 * they are refused where they are made.  Where the library is not preloaded this holds
 * once it was loaded, which login() does.
 *
 * Errors:		42501.
 * Called by:	the server, by a hook that cloudgreet.c installs
 * Shown by:	test/sql/tenancy.sql
 */
#include "postgres.h"

#include "catalog/objectaccess.h"
#include "catalog/pg_largeobject.h"
#include "miscadmin.h"
#include "utils/acl.h"

#include "tenant/large_object.h"

static object_access_hook_type next_hook = NULL;

static void
refuse_large_objects(ObjectAccessType access, Oid class, Oid object, int sub_object,
					 void *argument)
{
	if (next_hook != NULL)
		next_hook(access, class, object, sub_object, argument);
	if (access != OAT_POST_CREATE || class != LargeObjectRelationId)
		return;
	if (GetUserId() == get_role_oid("authenticated", true) ||
		GetUserId() == get_role_oid("anon", true))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied to create a large object"),
						errdetail("It would belong to all tenants.")));
}

void
cg_large_object_install(void)
{
	next_hook = object_access_hook;
	object_access_hook = refuse_large_objects;
}
