package spec

// Census is how many people have what: it stands in for a roster where only a part
// of it is at hand.
type Census struct {
	People    int
	Members   int            // people who are members of any team, directly
	Seats     SeatBook       // see [Roster.SeatsUsed]
	Contracts map[string]int // people with access under it, on whatever days, suspended or not
	Products  map[string]int // the same of a product
}

// Census counts everybody.
func (r *Roster) Census() *Census {
	c := &Census{Seats: r.SeatsUsed(), Contracts: map[string]int{}, Products: map[string]int{}}
	c.count(r.Users, 1)
	members := map[string]bool{}
	for i := range r.Teams {
		for _, name := range r.Teams[i].Members {
			members[name] = true
		}
	}
	c.Members = len(members)
	return c
}

// Replace counts some people as they are and no longer as they were; members is by
// how many those grew who are members of any team.
func (c *Census) Replace(were, are []User, members int) {
	for seat, use := range c.Seats.Replaced(were, are) {
		c.Seats[seat] = use
	}
	c.count(were, -1)
	c.count(are, 1)
	c.Members += members
}

// count adds people, or takes them out with by -1.
func (c *Census) count(users []User, by int) {
	c.People += by * len(users)
	for i := range users {
		contract := ""
		products := map[string]bool{}
		for _, g := range users[i].Access { // sorted by contract
			if g.Contract != contract {
				contract = g.Contract
				c.Contracts[contract] += by
			}
			if !products[g.Product] {
				products[g.Product] = true
				c.Products[g.Product] += by
			}
		}
	}
}
