/*
 * The handlers of what concerns the cluster: who is in it, which topics it has, how they are set. Each is a request_handler whose service is
 * the struct broker_services; each file is named for its API.
 */
#ifndef BROKER_API_CLUSTER_HANDLERS_H
#define BROKER_API_CLUSTER_HANDLERS_H

#include "broker/request.h"

void api_metadata(void *service, struct request *request);
void api_create_topics(void *service, struct request *request);
void api_delete_topics(void *service, struct request *request);
void api_create_partitions(void *service, struct request *request);
void api_describe_configs(void *service, struct request *request);
void api_describe_cluster(void *service, struct request *request);
void api_init_producer_id(void *service, struct request *request);
void api_meta_query(void *service, struct request *request);

#endif
