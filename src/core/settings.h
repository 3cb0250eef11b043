/*
 * settings.h
 *		The settings of the core layer.
 */
#ifndef CG_CORE_SETTINGS_H
#define CG_CORE_SETTINGS_H

/* Test value of the clock, or "" for now(); see core/clock.h. */
extern char *cg_clock_setting;

/* Where instance files live, or "" for the sibling of the data directory. */
extern char *cg_instance_directory;

/* Where migrate() finds its files, or "" for the installed ones. */
extern char *cg_script_directory;

/* Defines the settings; called once from _PG_init(). */
extern void cg_core_settings_define(void);

#endif /* CG_CORE_SETTINGS_H */
