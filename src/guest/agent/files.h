/* The actions that move files: get-artifact, get-folder, list-folder, put-file. */
#ifndef FILES_H
#define FILES_H

#include "reply.h"

void files_get(struct reply *reply);
void files_get_folder(struct reply *reply);
void files_list_folder(struct reply *reply);
void files_put(struct reply *reply);

#endif
