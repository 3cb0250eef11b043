/*
 * pinned.h
 *		The settings of a session that change what our code means.
 */
#ifndef CG_CORE_PINNED_H
#define CG_CORE_PINNED_H

/* Pins them all until the GUC nest level that the caller opened ends. */
extern void cg_pinned_set_local(void);

/* Pins them all for the life of the process, above what files and roles set. */
extern void cg_pinned_set(void);

#endif /* CG_CORE_PINNED_H */
