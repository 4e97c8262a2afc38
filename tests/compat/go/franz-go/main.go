// franz-go, with kadm for administration.
package main

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"compat/line"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

var (
	client  *kgo.Client
	admin   *kadm.Client
	writer  *kgo.Client
	session *kgo.GroupTransactSession // of who reads and writes in one transaction
	owned   = line.NewOwned()
	taken   = map[line.At]int64{}
	commits sync.WaitGroup // that nobody has waited for: a leave, over another connection, may overtake them
	group   string
)

func base(q *line.Question) []kgo.Opt {
	opts := []kgo.Opt{
		kgo.SeedBrokers(strings.Split(q.Bootstrap, ",")...),
		kgo.MetadataMaxAge(time.Second), kgo.MetadataMinAge(200 * time.Millisecond),
	}
	if s := q.Security; s != nil {
		opts = append(opts, kgo.DialTLSConfig(s.Config()), kgo.SASL(scram.Auth{User: s.User, Pass: s.Password}.AsSha256Mechanism()))
	}
	return opts
}

func consuming(q *line.Question) []kgo.Opt {
	group = q.Group
	reset := kgo.NewOffset().AtStart()
	if q.Reset == "latest" {
		reset = kgo.NewOffset().AtEnd()
	}
	opts := append(base(q), kgo.ConsumeResetOffset(reset), kgo.FetchMaxWait(100*time.Millisecond))
	if q.Isolation == "read_committed" {
		opts = append(opts, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	}
	return opts
}

func open(q *line.Question) (line.Answer, error) {
	opts := append(consuming(q), kgo.ConsumerGroup(q.Group), kgo.SessionTimeout(time.Duration(q.SessionMs)*time.Millisecond),
		kgo.HeartbeatInterval(500*time.Millisecond),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { owned.Change(m, true) }),
		kgo.OnPartitionsRevoked(func(ctx context.Context, c *kgo.Client, m map[string][]int32) {
			owned.Change(m, false)
			if q.AutoCommit { // without this callback it does so itself
				c.CommitUncommittedOffsets(ctx)
			}
		}),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { owned.Change(m, false) }))
	if q.Pattern != nil {
		opts = append(opts, kgo.ConsumeRegex(), kgo.ConsumeTopics(*q.Pattern))
	} else {
		opts = append(opts, kgo.ConsumeTopics(q.Topics...))
	}
	if q.AutoCommit {
		opts = append(opts, kgo.AutoCommitInterval(500*time.Millisecond))
	} else {
		opts = append(opts, kgo.DisableAutoCommit())
	}
	if q.Instance != nil {
		opts = append(opts, kgo.InstanceID(*q.Instance))
	}
	if q.Protocol == "consumer" {
		opts = append(opts, kgo.ServerSideBalancer())
	}
	if !q.Cooperative {
		opts = append(opts, kgo.Balancers(kgo.RangeBalancer()))
	}
	var err error
	if q.Session {
		if session, err = kgo.NewGroupTransactSession(append(opts, transactional(q)...)...); err == nil {
			client = session.Client()
			writer = client
			_, _, err = writer.ProducerID(context.Background()) // takes over from whoever had the id before
		}
		return nil, err
	}
	client, err = kgo.NewClient(opts...)
	return nil, err
}

func transactional(q *line.Question) []kgo.Opt {
	return []kgo.Opt{
		kgo.TransactionalID(q.Id), kgo.TransactionTimeout(time.Duration(q.TxnTimeoutMs) * time.Millisecond),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
	}
}

func producer(q *line.Question) (line.Answer, error) {
	if q.Session {
		return nil, nil // open makes it
	}
	var err error
	if writer, err = kgo.NewClient(append(base(q), transactional(q)...)...); err == nil {
		_, _, err = writer.ProducerID(context.Background())
	}
	return nil, err
}

func begin(*line.Question) (line.Answer, error) {
	if session != nil {
		return nil, session.Begin()
	}
	return nil, writer.BeginTransaction()
}

func send(q *line.Question) (line.Answer, error) {
	var records []*kgo.Record
	for _, r := range q.Records {
		records = append(records, &kgo.Record{Topic: r[0].(string), Partition: int32(r[1].(float64)), Value: []byte(r[2].(string))})
	}
	return nil, writer.ProduceSync(context.Background(), records...).FirstErr()
}

// A session commits the offsets of what it has given out by itself.
func end(q *line.Question) (line.Answer, error) {
	ctx := context.Background()
	if session == nil {
		return nil, writer.EndTransaction(ctx, kgo.TransactionEndTry(q.Commit))
	}
	committed, err := session.End(ctx, kgo.TransactionEndTry(q.Commit))
	if err == nil && q.Commit && !committed {
		err = errors.New("the session has aborted it")
	}
	return nil, err
}

func assign(q *line.Question) (line.Answer, error) {
	all, offsets := q.Named(q.Partitions)
	if len(offsets) < len(all) { // the committed ones are asked for by hand without a group
		found, err := fetch(q)
		if err != nil {
			return nil, err
		}
		found.Each(func(o kadm.OffsetResponse) { offsets[line.At{Topic: o.Topic, Partition: o.Partition}] = o.At })
	}
	start := map[string]map[int32]kgo.Offset{}
	for _, at := range all {
		if start[at.Topic] == nil {
			start[at.Topic] = map[int32]kgo.Offset{}
		}
		start[at.Topic][at.Partition] = kgo.NewOffset().At(offsets[at])
	}
	var err error
	client, err = kgo.NewClient(append(consuming(q), kgo.ConsumePartitions(start))...)
	return nil, err
}

func poll(q *line.Question) (line.Answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(q.TimeoutMs)*time.Millisecond)
	defer cancel()
	records := [][]any{}
	for len(records) < q.Count && ctx.Err() == nil {
		fetches := client.PollRecords(ctx, q.Count-len(records))
		fetches.EachError(func(t string, p int32, err error) {
			if ctx.Err() == nil {
				println(t, p, err.Error())
			}
		})
		fetches.EachRecord(func(r *kgo.Record) {
			taken[line.At{Topic: r.Topic, Partition: r.Partition}] = r.Offset + 1
			records = append(records, []any{r.Topic, r.Partition, r.Offset, string(r.Value)})
		})
	}
	return line.Answer{"records": records}, nil
}

func commit(q *line.Question) (line.Answer, error) {
	offsets := map[string]map[int32]kgo.EpochOffset{}
	kept := kadm.Offsets{}
	for at, offset := range taken {
		if offsets[at.Topic] == nil {
			offsets[at.Topic] = map[int32]kgo.EpochOffset{}
		}
		offsets[at.Topic][at.Partition] = kgo.EpochOffset{Epoch: -1, Offset: offset}
		kept.AddOffset(at.Topic, at.Partition, offset, -1)
	}
	if id, _ := client.GroupMetadata(); id == "" {
		return nil, administer(q).CommitAllOffsets(context.Background(), group, kept)
	}
	if q.Async {
		commits.Add(1)
		client.CommitOffsets(context.Background(), offsets, func(*kgo.Client, *kmsg.OffsetCommitRequest, *kmsg.OffsetCommitResponse, error) {
			commits.Done()
		})
		return nil, nil
	}
	var err error
	done := make(chan struct{})
	client.CommitOffsetsSync(context.Background(), offsets, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, e error) {
		err = e
		if resp != nil {
			err = firstError(err, resp)
		}
		close(done)
	})
	<-done
	return nil, err
}

func firstError(err error, resp *kmsg.OffsetCommitResponse) error {
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err == nil {
				err = kerr.ErrorForCode(p.ErrorCode)
			}
		}
	}
	return err
}

func administer(q *line.Question) *kadm.Client {
	if admin == nil {
		c, err := kgo.NewClient(base(q)...)
		if err != nil {
			panic(err)
		}
		admin = kadm.NewClient(c)
	}
	return admin
}

func fetch(q *line.Question) (kadm.OffsetResponses, error) {
	found, err := administer(q).FetchOffsets(context.Background(), q.Group)
	if err == nil {
		err = found.Error()
	}
	return found, err
}

func byTopic(q *line.Question) map[string][]int32 {
	all, _ := q.Named(q.Partitions)
	m := map[string][]int32{}
	for _, at := range all {
		m[at.Topic] = append(m[at.Topic], at.Partition)
	}
	return m
}

func main() {
	ctx := context.Background()
	line.Serve(map[string]func(*line.Question) (line.Answer, error){
		"hello": func(*line.Question) (line.Answer, error) {
			return line.Answer{"client": "franz-go " + line.Version("github.com/twmb/franz-go")}, nil
		},
		"open": open, "assign": assign, "poll": poll, "commit": commit, "assigned": owned.Answer,
		"producer": producer, "begin": begin, "send": send, "end": end,
		"add_offsets": func(*line.Question) (line.Answer, error) { return nil, nil },
		"committed": func(q *line.Question) (line.Answer, error) {
			found, err := fetch(q)
			if err != nil {
				return nil, err
			}
			all, _ := q.Named(q.Partitions)
			list := []any{}
			for _, at := range all {
				if o, ok := found.Lookup(at.Topic, at.Partition); ok && o.At >= 0 {
					list = append(list, o.At)
				} else {
					list = append(list, nil)
				}
			}
			return line.Answer{"offsets": list}, nil
		},
		"seek": func(q *line.Question) (line.Answer, error) {
			client.SetOffsets(map[string]map[int32]kgo.EpochOffset{q.Topic: {q.Partition: {Epoch: -1, Offset: q.Offset}}})
			return nil, nil
		},
		"pause":  func(q *line.Question) (line.Answer, error) { client.PauseFetchPartitions(byTopic(q)); return nil, nil },
		"resume": func(q *line.Question) (line.Answer, error) { client.ResumeFetchPartitions(byTopic(q)); return nil, nil },
		"close": func(q *line.Question) (line.Answer, error) {
			if client != nil {
				commits.Wait()
				client.Close()
			}
			return nil, nil
		},
		"list": func(q *line.Question) (line.Answer, error) {
			found, err := administer(q).ListGroups(ctx)
			groups := map[string]string{}
			for _, g := range found {
				groups[g.Group] = g.State
			}
			return line.Answer{"groups": groups}, err
		},
		"describe": func(q *line.Question) (line.Answer, error) {
			if q.Protocol == "consumer" {
				found, err := administer(q).DescribeConsumerGroups(ctx, q.Group)
				if err == nil {
					err = found.Error()
				}
				return line.Answer{"state": found[q.Group].State, "members": len(found[q.Group].Members)}, err
			}
			found, err := administer(q).DescribeGroups(ctx, q.Group)
			if err == nil {
				err = found.Error()
			}
			return line.Answer{"state": found[q.Group].State, "members": len(found[q.Group].Members)}, err
		},
		"delete": func(q *line.Question) (line.Answer, error) {
			_, err := administer(q).DeleteGroup(ctx, q.Group)
			return nil, err
		},
		"alter": func(q *line.Question) (line.Answer, error) {
			_, offsets := q.Named(q.Offsets)
			all := kadm.Offsets{}
			for at, o := range offsets {
				all.AddOffset(at.Topic, at.Partition, o, -1)
			}
			return nil, administer(q).CommitAllOffsets(ctx, q.Group, all)
		},
		"offsets": func(q *line.Question) (line.Answer, error) {
			found, err := fetch(q)
			rows := [][]any{}
			found.Each(func(o kadm.OffsetResponse) {
				if o.At >= 0 {
					rows = append(rows, []any{o.Topic, o.Partition, o.At})
				}
			})
			line.Sort(rows)
			return line.Answer{"offsets": rows}, err
		},
	})
}
