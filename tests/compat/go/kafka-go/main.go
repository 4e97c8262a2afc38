// kafka-go: its Reader of a group, and its Client for administration.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"time"

	"compat/line"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/scram"
)

var (
	reader  *kafka.Reader
	records = line.NewRecords()
)

func mechanism(s *line.Security) sasl.Mechanism {
	m, err := scram.Mechanism(scram.SHA256, s.User, s.Password)
	if err != nil {
		panic(err)
	}
	return m
}

func open(q *line.Question) (line.Answer, error) {
	start := kafka.FirstOffset
	if q.Reset == "latest" {
		start = kafka.LastOffset
	}
	level := kafka.ReadUncommitted
	if q.Isolation == "read_committed" {
		level = kafka.ReadCommitted
	}
	dialer := &kafka.Dialer{Timeout: 10 * time.Second, DualStack: true}
	if s := q.Security; s != nil {
		dialer.TLS, dialer.SASLMechanism = s.Config(), mechanism(s)
	}
	reader = kafka.NewReader(kafka.ReaderConfig{
		Dialer:  dialer,
		Brokers: strings.Split(q.Bootstrap, ","), GroupID: q.Group, GroupTopics: q.Topics, StartOffset: start, IsolationLevel: level,
		MaxWait: 100 * time.Millisecond, SessionTimeout: time.Duration(q.SessionMs) * time.Millisecond, HeartbeatInterval: 500 * time.Millisecond,
		WatchPartitionChanges: true, PartitionWatchInterval: 500 * time.Millisecond, JoinGroupBackoff: 500 * time.Millisecond,
		RebalanceTimeout: 10 * time.Second, ReadBackoffMin: 20 * time.Millisecond, ReadBackoffMax: 200 * time.Millisecond,
		ErrorLogger: log.New(os.Stderr, "", log.LstdFlags),
	})
	go read(q.AutoCommit)
	return nil, nil
}

func read(commits bool) {
	for {
		m, err := reader.FetchMessage(context.Background())
		if errors.Is(err, io.EOF) || errors.Is(err, context.Canceled) {
			return
		}
		if err != nil {
			log.Println(err)
			continue
		}
		records.Put(m.Topic, int32(m.Partition), m.Offset, m.Value)
		if commits {
			if err := reader.CommitMessages(context.Background(), m); err != nil {
				log.Println(err)
			}
		}
	}
}

func client(q *line.Question) *kafka.Client {
	c := &kafka.Client{Addr: kafka.TCP(strings.Split(q.Bootstrap, ",")...), Timeout: 20 * time.Second}
	if s := q.Security; s != nil {
		c.Transport = &kafka.Transport{TLS: s.Config(), SASL: mechanism(s)}
	}
	return c
}

// Offsets of the group; of the partitions asked for, or of all.
func offsets(q *line.Question, topics map[string][]int) ([][]any, error) {
	found, err := client(q).OffsetFetch(context.Background(), &kafka.OffsetFetchRequest{GroupID: q.Group, Topics: topics})
	rows := [][]any{}
	if err != nil {
		return rows, err
	}
	if found.Error != nil {
		return rows, found.Error
	}
	for t, ps := range found.Topics {
		for _, p := range ps {
			if p.Error != nil {
				return rows, p.Error
			}
			if p.CommittedOffset >= 0 {
				rows = append(rows, []any{t, int32(p.Partition), p.CommittedOffset})
			}
		}
	}
	line.Sort(rows)
	return rows, nil
}

func main() {
	ctx := context.Background()
	line.Serve(map[string]func(*line.Question) (line.Answer, error){
		"hello": func(*line.Question) (line.Answer, error) {
			return line.Answer{"client": "kafka-go " + line.Version("github.com/segmentio/kafka-go")}, nil
		},
		"open": open, "poll": records.Take,
		"commit": func(q *line.Question) (line.Answer, error) {
			for at, offset := range records.Taken() {
				if err := reader.CommitMessages(ctx, kafka.Message{Topic: at.Topic, Partition: int(at.Partition), Offset: offset - 1}); err != nil {
					return nil, err
				}
			}
			return nil, nil
		},
		"committed": func(q *line.Question) (line.Answer, error) {
			all, _ := q.Named(q.Partitions)
			topics := map[string][]int{}
			for _, at := range all {
				topics[at.Topic] = append(topics[at.Topic], int(at.Partition))
			}
			rows, err := offsets(q, topics)
			list := []any{}
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
		},
		"close": func(q *line.Question) (line.Answer, error) {
			if reader == nil {
				return nil, nil
			}
			return nil, reader.Close()
		},
		"list": func(q *line.Question) (line.Answer, error) {
			groups := map[string]string{}
			for _, broker := range strings.Split(q.Bootstrap, ",") {
				found, err := client(q).ListGroups(ctx, &kafka.ListGroupsRequest{Addr: kafka.TCP(broker)})
				if err != nil {
					return nil, err
				}
				if found.Error != nil {
					return nil, found.Error
				}
				for _, g := range found.Groups {
					groups[g.GroupID] = g.ProtocolType
				}
			}
			return line.Answer{"groups": groups}, nil
		},
		"describe": func(q *line.Question) (line.Answer, error) {
			found, err := client(q).DescribeGroups(ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{q.Group}})
			if err != nil {
				return nil, err
			}
			if len(found.Groups) != 1 || found.Groups[0].Error != nil {
				return nil, fmt.Errorf("described as %v", found.Groups)
			}
			return line.Answer{"state": found.Groups[0].GroupState, "members": len(found.Groups[0].Members)}, nil
		},
		"delete": func(q *line.Question) (line.Answer, error) {
			found, err := client(q).DeleteGroups(ctx, &kafka.DeleteGroupsRequest{GroupIDs: []string{q.Group}})
			if err != nil {
				return nil, err
			}
			return nil, found.Errors[q.Group]
		},
		"alter": func(q *line.Question) (line.Answer, error) {
			_, wanted := q.Named(q.Offsets)
			topics := map[string][]kafka.OffsetCommit{}
			for at, o := range wanted {
				topics[at.Topic] = append(topics[at.Topic], kafka.OffsetCommit{Partition: int(at.Partition), Offset: o})
			}
			found, err := client(q).OffsetCommit(ctx, &kafka.OffsetCommitRequest{GroupID: q.Group, GenerationID: -1, Topics: topics})
			if err != nil {
				return nil, err
			}
			for _, ps := range found.Topics {
				for _, p := range ps {
					if p.Error != nil {
						return nil, p.Error
					}
				}
			}
			return nil, nil
		},
		"offsets": func(q *line.Question) (line.Answer, error) {
			all, _ := q.Named(q.Offsets)
			topics := map[string][]int{}
			for _, at := range all {
				topics[at.Topic] = append(topics[at.Topic], int(at.Partition))
			}
			rows, err := offsets(q, topics)
			return line.Answer{"offsets": rows}, err
		},
	})
}
