/*
 * large_object.h
 *		Keeps tenants from making large objects.
 */
#ifndef CG_TENANT_LARGE_OBJECT_H
#define CG_TENANT_LARGE_OBJECT_H

/* Installs the hook; called once from _PG_init(). */
extern void cg_large_object_install(void);

#endif /* CG_TENANT_LARGE_OBJECT_H */
