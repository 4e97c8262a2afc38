// sarama.
package main

import (
	"context"
	"log"
	"os"
	"strings"
	"sync"
	"time"

	"compat/line"

	"github.com/IBM/sarama"
	"github.com/xdg-go/scram"
)

const longest = 100 * time.Millisecond // of a fetch

var (
	client  sarama.Client
	group   sarama.ConsumerGroup
	writer  sarama.SyncProducer
	records = line.NewRecords()
	owned   = line.NewOwned()
	lock    sync.Mutex
	session sarama.ConsumerGroupSession
	stop    context.CancelFunc
	over    = make(chan struct{})
)

func settings(q *line.Question) *sarama.Config {
	c := sarama.NewConfig()
	c.Version = sarama.MaxVersion
	c.Consumer.Group.Session.Timeout = time.Duration(max(q.SessionMs, 6000)) * time.Millisecond
	c.Consumer.Group.Heartbeat.Interval = 500 * time.Millisecond
	c.Consumer.Offsets.AutoCommit.Enable = q.AutoCommit
	c.Consumer.Offsets.AutoCommit.Interval = 500 * time.Millisecond
	c.Consumer.Offsets.Initial = sarama.OffsetOldest
	if q.Reset == "latest" {
		c.Consumer.Offsets.Initial = sarama.OffsetNewest
	}
	if q.Isolation == "read_committed" {
		c.Consumer.IsolationLevel = sarama.ReadCommitted
	}
	c.Consumer.MaxWaitTime = longest
	c.Metadata.RefreshFrequency = time.Second
	if q.Instance != nil {
		c.Consumer.Group.InstanceId = *q.Instance
	}
	if s := q.Security; s != nil {
		c.Net.TLS.Enable, c.Net.TLS.Config = true, s.Config()
		c.Net.SASL.Enable, c.Net.SASL.User, c.Net.SASL.Password = true, s.User, s.Password
		c.Net.SASL.Mechanism = sarama.SASLTypeSCRAMSHA256
		c.Net.SASL.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient { return &conversation{} }
	}
	return c
}

// What sarama leaves to others.
type conversation struct{ *scram.ClientConversation }

func (c *conversation) Begin(user, password, authorization string) error {
	client, err := scram.SHA256.NewClient(user, password, authorization)
	if err == nil {
		c.ClientConversation = client.NewConversation()
	}
	return err
}

type handler struct{ autoCommit bool }

func (handler) Setup(s sarama.ConsumerGroupSession) error {
	lock.Lock()
	session = s
	lock.Unlock()
	owned.Clear()
	owned.Change(s.Claims(), true)
	return nil
}

func (handler) Cleanup(s sarama.ConsumerGroupSession) error {
	owned.Clear()
	return nil
}

func (h handler) ConsumeClaim(s sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case m, ok := <-claim.Messages():
			if !ok {
				return nil
			}
			records.Put(m.Topic, m.Partition, m.Offset, m.Value)
			if h.autoCommit {
				s.MarkMessage(m, "")
			}
		case <-s.Context().Done():
			return nil
		}
	}
}

func open(q *line.Question) (line.Answer, error) {
	var err error
	if client, err = sarama.NewClient(strings.Split(q.Bootstrap, ","), settings(q)); err != nil {
		return nil, err
	}
	if group, err = sarama.NewConsumerGroupFromClient(q.Group, client); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	stop = cancel
	go func() {
		defer close(over)
		for ctx.Err() == nil {
			if err := group.Consume(ctx, q.Topics, handler{q.AutoCommit}); err != nil {
				log.Println(err)
				time.Sleep(100 * time.Millisecond)
			}
		}
	}()
	return nil, nil
}

// Marks and commits all that was given out.
func commit(q *line.Question) (line.Answer, error) {
	lock.Lock()
	s := session
	lock.Unlock()
	for at, offset := range records.Taken() {
		s.MarkOffset(at.Topic, at.Partition, offset, "")
	}
	s.Commit()
	return nil, nil
}

func producer(q *line.Question) (line.Answer, error) {
	c := settings(q)
	c.Producer.Transaction.ID = q.Id
	c.Producer.Transaction.Timeout = time.Duration(q.TxnTimeoutMs) * time.Millisecond
	c.Producer.Idempotent = true
	c.Producer.RequiredAcks = sarama.WaitForAll
	c.Producer.Return.Successes = true
	c.Producer.Partitioner = sarama.NewManualPartitioner
	c.Net.MaxOpenRequests = 1
	var err error
	writer, err = sarama.NewSyncProducer(strings.Split(q.Bootstrap, ","), c)
	return nil, err
}

func send(q *line.Question) (line.Answer, error) {
	var messages []*sarama.ProducerMessage
	for _, r := range q.Records {
		messages = append(messages, &sarama.ProducerMessage{
			Topic: r[0].(string), Partition: int32(r[1].(float64)), Value: sarama.StringEncoder(r[2].(string)),
		})
	}
	return nil, writer.SendMessages(messages)
}

func addOffsets(q *line.Question) (line.Answer, error) {
	offsets := map[string][]*sarama.PartitionOffsetMetadata{}
	for at, offset := range records.Taken() {
		offsets[at.Topic] = append(offsets[at.Topic], &sarama.PartitionOffsetMetadata{Partition: at.Partition, Offset: offset})
	}
	return nil, writer.AddOffsetsToTxn(offsets, q.Group)
}

func end(q *line.Question) (line.Answer, error) {
	if q.Commit {
		return nil, writer.CommitTxn()
	}
	return nil, writer.AbortTxn()
}

func administer(q *line.Question) (sarama.ClusterAdmin, error) {
	return sarama.NewClusterAdmin(strings.Split(q.Bootstrap, ","), settings(q))
}

func with(act func(*line.Question, sarama.ClusterAdmin) (line.Answer, error)) func(*line.Question) (line.Answer, error) {
	return func(q *line.Question) (line.Answer, error) {
		admin, err := administer(q)
		if err != nil {
			return nil, err
		}
		defer admin.Close()
		return act(q, admin)
	}
}

func byTopic(q *line.Question) map[string][]int32 {
	all, _ := q.Named(q.Partitions)
	m := map[string][]int32{}
	for _, at := range all {
		m[at.Topic] = append(m[at.Topic], at.Partition)
	}
	return m
}

func fetched(q *line.Question, admin sarama.ClusterAdmin, asked map[string][]int32) ([][]any, error) {
	found, err := admin.ListConsumerGroupOffsets(q.Group, asked)
	rows := [][]any{}
	if err != nil {
		return rows, err
	}
	for t, ps := range found.Blocks {
		for p, b := range ps {
			if b.Err != sarama.ErrNoError {
				return rows, b.Err
			}
			if b.Offset >= 0 {
				rows = append(rows, []any{t, p, b.Offset})
			}
		}
	}
	line.Sort(rows)
	return rows, nil
}

func main() {
	sarama.Logger = log.New(os.Stderr, "", log.LstdFlags)
	line.Serve(map[string]func(*line.Question) (line.Answer, error){
		"hello": func(*line.Question) (line.Answer, error) {
			return line.Answer{"client": "sarama " + line.Version("github.com/IBM/sarama")}, nil
		},
		"open": open, "poll": records.Take, "assigned": owned.Answer, "commit": commit,
		"producer": producer, "send": send, "add_offsets": addOffsets, "end": end,
		"begin": func(*line.Question) (line.Answer, error) { return nil, writer.BeginTxn() },
		"committed": with(func(q *line.Question, admin sarama.ClusterAdmin) (line.Answer, error) {
			rows, err := fetched(q, admin, byTopic(q))
			list := []any{}
			all, _ := q.Named(q.Partitions)
			for _, at := range all {
				var found any
				for _, row := range rows {
					if row[0] == at.Topic && row[1] == at.Partition {
						found = row[2]
					}
				}
				list = append(list, found)
			}
			return line.Answer{"offsets": list}, err
		}),
		"pause": func(q *line.Question) (line.Answer, error) {
			group.Pause(byTopic(q))
			time.Sleep(3 * longest) // the fetch that is under way still brings what comes meanwhile, and nothing tells when it is over
			return nil, nil
		},
		"resume": func(q *line.Question) (line.Answer, error) { group.Resume(byTopic(q)); return nil, nil },
		"close": func(q *line.Question) (line.Answer, error) {
			if group == nil {
				return nil, nil
			}
			stop()
			<-over
			return nil, group.Close()
		},
		"list": with(func(q *line.Question, admin sarama.ClusterAdmin) (line.Answer, error) {
			found, err := admin.ListConsumerGroups()
			return line.Answer{"groups": found}, err
		}),
		"describe": with(func(q *line.Question, admin sarama.ClusterAdmin) (line.Answer, error) {
			found, err := admin.DescribeConsumerGroups([]string{q.Group})
			if err != nil {
				return nil, err
			}
			if found[0].Err != sarama.ErrNoError {
				return nil, found[0].Err
			}
			return line.Answer{"state": found[0].State, "members": len(found[0].Members)}, nil
		}),
		"delete": with(func(q *line.Question, admin sarama.ClusterAdmin) (line.Answer, error) {
			return nil, admin.DeleteConsumerGroup(q.Group)
		}),
		"offsets": with(func(q *line.Question, admin sarama.ClusterAdmin) (line.Answer, error) {
			rows, err := fetched(q, admin, nil)
			return line.Answer{"offsets": rows}, err
		}),
	})
}
